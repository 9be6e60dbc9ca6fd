package peer

const childEnv = "PGCACHE_PEER_TEST_CHILD"

func child() {}
