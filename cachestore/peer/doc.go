// Package peer joins the processes of a service into a fleet in which each key has one owner, which makes the answer for
// everybody.
//
// The package moves bytes and does not know what they mean. A [Fleet] is given a function that makes answers, and calls it in
// the process that owns the key; the processes are a ring of consistent hashing, and the caches and flights are those of
// github.com/golang/groupcache. Whatever goes wrong on the way to the owner ends in one error, [ErrUnavailable], upon which the
// caller does the work itself: a peer can save work, but nothing depends on one.
//
// # What is guaranteed
//
//   - While the processes agree on the ring, and none of them fails, an answer is made once, however many goroutines of however
//     many processes ask for it at the same time.
//   - When an owner fails, also in the middle of its work, everybody turns to the same other peer, which stands in for it until it
//     is back: the answer is made once more, and not by each. Should that one fail, too, callers do the work themselves.
//   - [Fleet.Fetch] returns when its context ends. A caller that leaves does not disturb others: what it asked for goes on, bound
//     by the call's patience and by nobody's context.
//   - An owner that is slow because the answer takes long is waited for: it says every so often that it is at work. One that
//     says nothing holds up a caller by no more than [Config.Timeout] when it is asked, and by little more than a second later
//     on. Then it is left alone, and looked after in the background, until it answers again.
//   - Nobody forwards. An owner that is asked for what it does not own says so, and the caller does the work. So processes with
//     different rings, which is what a change of the ring looks like, can't wait for each other.
//   - A panic of the function that makes answers is an error of that flight, and of no other.
//   - Nothing that was not meant to be kept is kept, and nothing that is kept is younger than it says: see [Answer].
//
// # What keys have to be
//
// groupcache can't delete, has no expiry, and keeps a tenth of what comes from peers close at hand for as long as there is room.
// So a key has to name the version of what it stands for, and everything else that the answer depends on. Each answer comes
// with the time that it has rested in caches, there and here, for the caller to judge. Two calls with the same key get the same
// answer, even if their requests differ.
//
// What a [Fleet] keeps dies with it. groupcache's groups can't be removed, so the memory is freed only as the next Fleet with the
// same bound fills it; a program that opens and closes many of them holds the memory of as many as were open at once.
//
// # Whom it trusts
//
// Whoever holds the secret, or a certificate of the authority, is a peer: it may ask for whatever the function that makes
// answers is ready to make, and its answers are believed. Everybody else may read, alter, drop, repeat and invent what is on the
// wire, and open connections. Then:
//
//   - A request is taken only with an HMAC-SHA256 of its addressee, method, path, time, nonce and body. Its time must be within
//     30 s of the clock here, and its nonce a new one; the nonces of one start of the process are kept in bounded memory, by
//     lifting the earliest time that is still taken when there are too many. Nothing made before the start is taken.
//   - A reply is a chain of frames, each authenticated together with all before it and with the request. It can't be altered,
//     cut short, or be the reply to something else.
//   - Who is not known gets 403 and no body, whatever was asked, and nothing of its body is read.
//   - Requests and replies are bounded before they are read. What the function that makes answers says about an error stays in
//     its process; a peer gets a number.
//   - With https, both sides show a certificate of the authority, which takes the place of the HMAC, or joins it when there is a
//     secret too.
//
// Plain http with a secret hides nothing: who can listen can read the answers. And who holds up a peer's packets can make the
// fleet do work more than once, no more.
//
// # One per process
//
// groupcache allows one peer picker per process. This package registers it when the first Fleet opens, and [Open] reports an
// error if another part of the program was first. A program that uses groupcache.HTTPPool can't use this package, and must
// not make such a pool later: groupcache panics then. Groups without peers are not affected. Several Fleets of one process may
// share an address, as long as they agree on how it is guarded.
package peer
