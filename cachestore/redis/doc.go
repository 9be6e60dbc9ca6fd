// Package redis keeps entries in Redis, for all processes of a fleet: one server, a Cluster, or a master that Sentinel watches.
// Redis 6.2 or newer is needed.
//
// # Where
//
// Config.URL is one of
//
//	redis://[[user]:password@]host[:port][/database]
//	redis://...@host1:port,host2:port                   a Cluster; of one host with ?cluster=true
//	redis://...@sentinel1:port,sentinel2:port?master=name
//	rediss://...                                        the same with TLS
//	unix://[[user]:password@]/path/of/socket[?db=number]
//
// with these parameters: master, sentinel_user and sentinel_password; cluster; db; and with rediss:// ca_file (whom to trust),
// cert_file and key_file (who we are), and server_name.
//
// # What it promises
//
// An operation takes Config.Timeout at most, dialing included. After a few failures in a row Redis is left alone for a second: then
// every operation fails at once with [ErrUnavailable]. While Redis refuses writes, because its memory is full for instance, it is
// still read. Nothing is retried, save that a Cluster's redirections are followed. In a Cluster each sixteenth of the slots is left
// alone by itself, and the ledger, which needs several nodes, as a whole.
//
// Get gives what was put under that key, or nothing. Values carry checksums, or with Config.KeyFile are encrypted and authenticated
// with AES-256-GCM, together with their key and how long they may live: what was damaged, cut, forged, or moved to another key is no
// entry and counts as damaged. Who may write to Redis can still put back an older value of the same key, and decide when it
// expires.
//
// An entry may look older than it is, by about as much as the operations took, but never younger. No clocks of two machines are
// compared: a writer first asks for the server's time, and gives the moment at which the value expires by that clock. So a command
// that was held up on its way, or by a server that stood still, makes nothing young. The clocks of one deployment's servers are
// expected to agree, as Redis itself expects when a replica takes over, and not to be set back.
//
// Clear makes unreachable what anybody has put before, at once and wherever it is, and what is put later by those who began before.
// Redis keeps the memory until the values expire.
//
// # What is in Redis
//
// With a namespace every name starts with it and a colon. 1.1 stands for the versions of the encoded entry and of the layout around
// it, so programs of several versions live side by side; xxx is one of 1024 buckets, and a hash tag: what one script uses is in one
// slot of a Cluster.
//
//	pgcache:1.1:{xxx}:epoch               what the bucket's entries must have been put under; kept for a week after the last put
//	pgcache:1.1:{xxx}:entry:KEY           an entry; expires with it
//	pgcache:1.1:{xxx}:lease:SCOPE:KEY     the token of who makes the entry; expires after 1.5 s if it isn't renewed
//	pgcache:1.1:wake:SCOPE:KEY            a channel: the lease has ended
//	pgcache:ledger.1:SCOPE:{TAG}:version  random; another one after each begin and end of a write; kept for a day
//	pgcache:ledger.1:SCOPE:{TAG}:writers  the set of writes to the tag that are under way; never expires
//	pgcache:ledger.1:SCOPE:{all}:...      the same for writes that may write anything
//
// The ledger's names don't have the version of entries: a program must see the writes of newer and older ones. But they have the
// namespace, and so programs that write to one database must have one namespace to see each other's writes.
//
// An ACL user needs these keys and channels, and the commands get, set, mget, exists, pttl, pexpire, del, unlink, eval, evalsha,
// time, sadd, srem, smembers, info, publish, subscribe, unsubscribe and ping; in a Cluster also multi, exec, asking, and
// cluster|slots.
//
// # Leases
//
// A holder's lease is renewed every half a second, for all leases of a process by one goroutine, and so lasts as long as the process
// lives and reaches Redis; if it is killed, others go on 1.5 s later at most. Put under a lease is a script that compares the
// token: who has lost the lease, to whomever, changes nothing. Who waits is told by a message, on one connection for all who
// wait; it looks itself only when it has just begun to listen, and whenever the lease would have run out without being renewed.
//
// # The ledger
//
// A mark is a hash over the tags and their versions, and over the replication ID of the master they were read from, which is another
// one after each start and each failover. So a mark never comes again: not when keys are evicted or all is flushed, since a missing
// version is made anew at random, and not when a server comes back with an old dump, or a replica takes over that had not yet got the
// last writes. Replicas are not asked.
//
// What the ledger can't know is a write under way whose name Redis has lost, by eviction, by a flush, by a restart, or by a failover
// before it was replicated. The lost versions make new marks, so nothing that was kept before is taken for fresh, and the end of
// the write changes the mark again. But what is read between the loss and the commit is kept, and found fresh from the commit until
// the end of the write was told. A writer that tells it at once makes that short; maxmemory-policy noeviction or one of the
// volatile ones keep Redis from forgetting writers, which never expire; and WAIT, or min-replicas-to-write, make a failover that loses
// one less likely. Neither can it know of writes told to a master that is cut off while it hasn't noticed that another one
// was made: that ends when the old one is reached again, in a Cluster after cluster-node-timeout.
package redis
