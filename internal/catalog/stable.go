package catalog

// OfSession tells whether the function is a built-in one that is labelled STABLE and whose result depends on nothing but its
// arguments, what they read, and settings that are in a session's identity.
func (f Function) OfSession() bool { return f.BuiltIn() && ofSession[f.Name+"("+f.Arguments+")"] }

// ofSession is filled in below.
var ofSession = map[string]bool{}

// ReadsSetting tells whether the function is the built-in current_setting.
func (f Function) ReadsSetting() bool { return f.BuiltIn() && f.Name == "current_setting" }
