package driver

import "time"

// began is when the process did, with a reading of the monotonic clock.
var began = time.Now()

// now is time.Now for who only wants to know how long ago something was: it looks at the monotonic clock alone, which takes half as
// long. What it says of the time of day is off by as much as somebody has set the clock since the process began.
func now() time.Time { return began.Add(time.Since(began)) }
