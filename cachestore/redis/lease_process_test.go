package redis

const roleVariable = "PGCACHE_TEST_REDIS_ROLE"

func play(string) int { return 0 }
