package peer

import "errors"

var (
	// ErrOwn is the error of [Fleet.Fetch] for a key that this process owns: the caller makes the answer.
	ErrOwn = errors.New("pgcache: this process owns the key")
	// ErrUnavailable is the error for an answer that neither the owner of its key nor who stands in for it gave, for whatever
	// reason: the caller makes it. It is wrapped with the reason.
	ErrUnavailable = errors.New("pgcache: no answer from the owner of the key")
	// ErrRefused is for [Config.Fill] to return, wrapped or not, for a request that it won't run. Such requests are counted
	// apart from those that failed.
	ErrRefused = errors.New("pgcache: not a request to run for a peer")
	// ErrCollision is the error for a Fleet that another part of the program is in the way of. It is wrapped with which.
	ErrCollision = errors.New("pgcache: two parts of this program exclude each other")
)

// Reasons why an owner gives no answer, inside ErrUnavailable.
var (
	errClosed   = errors.New("the fleet is closed")
	errResting  = errors.New("it failed lately")
	errSilent   = errors.New("it says nothing")
	errForbids  = errors.New("it does not know us: another secret or protocol version, or clocks that differ")
	errForged   = errors.New("its reply is not authentic")
	errTooLarge = errors.New("its answer is too large")
	errReply    = errors.New("its reply makes no sense")
	errOurs     = errors.New("the request was ended here")
	errOverdue  = errors.New("the fill took longer than the patience")
	errPanicked = errors.New("the fill panicked")
)
