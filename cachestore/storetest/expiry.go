package storetest

import "time"

func checkExpired(p probe) {
	p.put(keyOf(1), aged(1, time.Now(), time.Hour, time.Minute))
	p.wantNothing(keyOf(1), "but it expired 59 minutes ago")
	p.put(keyOf(2), aged(2, time.Now(), 0, 0))
	p.wantNothing(keyOf(2), "but it was never of any use")
	p.put(keyOf(3), aged(3, time.Now(), time.Second, -time.Hour))
	p.wantNothing(keyOf(3), "but it expired before it was read")
}

// checkExpiredReplaces: once another entry was put, the old one is not what was last put.
func checkExpiredReplaces(p probe) {
	p.put(keyOf(1), aged(1, time.Now(), 0, time.Hour))
	p.put(keyOf(1), aged(2, time.Now(), time.Hour, time.Minute))
	p.wantNothing(keyOf(1), "but an expired one was put last")
}

func checkOldButKept(p probe) {
	entry := aged(1, time.Now(), 1000*time.Hour, 1001*time.Hour)
	p.put(keyOf(1), entry)
	p.want(keyOf(1), entry)
}

func checkExpires(p probe, c *clock) {
	short, long := aged(1, c.now(), 0, time.Minute), aged(2, c.now(), 0, time.Hour)
	p.put(keyOf(1), short)
	p.put(keyOf(2), long)
	c.advance(59 * time.Second)
	p.want(keyOf(1), short)
	c.advance(2 * time.Second)
	p.wantNothing(keyOf(1), "but it expired a second ago")
	p.want(keyOf(2), long)
	c.advance(time.Hour)
	p.wantNothing(keyOf(2), "but it has expired")
}

// checkAgeFromReading: an entry that took long to arrive has that much less time left.
func checkAgeFromReading(p probe, c *clock) {
	entry := aged(1, c.now(), 50*time.Second, time.Minute)
	p.put(keyOf(1), entry)
	c.advance(9 * time.Second)
	p.want(keyOf(1), entry)
	c.advance(2 * time.Second)
	p.wantNothing(keyOf(1), "but it was read 61 seconds ago")
}

func checkReplaceRenews(p probe, c *clock) {
	p.put(keyOf(1), aged(1, c.now(), 0, time.Minute))
	c.advance(50 * time.Second)
	entry := aged(2, c.now(), 0, time.Minute)
	p.put(keyOf(1), entry)
	c.advance(50 * time.Second)
	p.want(keyOf(1), entry)
	c.advance(11 * time.Second)
	p.wantNothing(keyOf(1), "but the second entry has expired too")
	revived := aged(3, c.now(), 0, time.Minute)
	p.put(keyOf(1), revived)
	p.want(keyOf(1), revived)
}
