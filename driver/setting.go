package driver

import (
	"bytes"
	"context"
	"database/sql/driver"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gopgcache/pgcache/driver/internal/argument"
)

// settings are the values of settings of the user's own (those with a dot in their names, such as app.tenant) in one
// session. A name that is not in them is not known; nil stands for a setting that does not exist there. They are not a part
// of the identity: only the entries of statements that read a setting are kept apart by its value.
type settings map[string]*string

// knows tells whether all the names are known.
func (s settings) knows(names []string) bool {
	for _, name := range names {
		if _, known := s[name]; !known {
			return false
		}
	}
	return true
}

// appendTo adds the values of the named settings to key material.
func (s settings) appendTo(b []byte, names []string) []byte {
	for _, name := range names {
		if value := s[name]; value != nil {
			b = argument.AppendText(append(b, 1), *value)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

// with gives the settings with new values for those that are known. What a session holds may be held by others too, so the
// old ones stay as they are.
func (s settings) with(assigned []assignment) settings {
	changed := maps.Clone(s)
	for _, a := range assigned {
		if _, known := s[a.name]; known {
			changed[a.name] = &a.value
		}
	}
	return changed
}

// assignment is a value that a statement has given a setting for the rest of the session.
type assignment struct{ name, value string }

// assigned tells whether the text gives settings of the user's own other values when it is run with these arguments, and
// which, if that can be told.
func (t *text) assigned(args []driver.NamedValue) (sets bool, values []assignment) {
	if len(t.Assigns) == 0 || t.AssignsLocally {
		// What is set for a transaction only leaves an empty text behind where there was nothing before.
		return t.AssignsLocally, nil
	}
	args, _, plain := argument.Plain(args)
	for _, a := range t.Assigns {
		value := a.Value
		if a.Param > 0 {
			if !plain || a.Param > len(args) {
				return true, nil
			}
			text, ok := args[a.Param-1].Value.(string)
			if !ok {
				return true, nil
			}
			value = text
		}
		values = append(values, assignment{a.Name, value})
	}
	return true, values
}

// assign follows what a statement did to settings of the user's own. Inside a transaction they may change back when it ends,
// and after an error nobody knows; then they are read back when somebody depends on them.
func (c *Conn) assign(values []assignment, err error) {
	c.changed = true
	if err != nil || values == nil || !c.inner.idle() {
		c.settings = nil
		return
	}
	c.settings = c.settings.with(values)
}

// maxSettings bounds the settings that are read back from each session.
const maxSettings = 64

// neededSettings are the settings that some statement depends on. There are few, and they only become more. The zero value is
// ready and safe for concurrent use.
type neededSettings struct {
	mu    sync.Mutex
	names atomic.Pointer[[]string]
}

// list gives the names, sorted. It must not be changed.
func (w *neededSettings) list() []string {
	if names := w.names.Load(); names != nil {
		return *names
	}
	return nil
}

// add has more settings read back with every session's state from now on. It reports false when there are too many.
func (w *neededSettings) add(names []string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.Concat(w.list(), names)
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) > maxSettings {
		return false
	}
	w.names.Store(&all)
	return true
}

// settingsOf gives the values in this session of the settings that a verdict depends on, asking the server for those that
// are not known. It gives nil when the session turned out to be another than the verdict's. The error is that of dialling.
func (c *Conn) settingsOf(ctx context.Context, v *verdict) (settings, error) {
	if base := c.cache.base.Load(); c.pooled || base != nil && base.pooled {
		return nil, nil // what one statement sets the next may not find
	}
	known := c.knownSettings()
	if known.knows(v.settings) {
		return known, nil
	}
	if base := c.cache.base.Load(); c.inner.std == nil && base != nil && !base.settings.knows(v.settings) {
		c.cache.base.CompareAndSwap(base, nil) // it was read before anybody wanted to know
	}
	c.identity = nil
	id, err := c.identify(ctx)
	if err != nil || id != v.identity {
		return nil, err
	}
	if known = c.knownSettings(); known.knows(v.settings) {
		return known, nil
	}
	return nil, nil
}

// knownSettings are those of the connection's own session, or of one that was just dialled when it has none yet.
func (c *Conn) knownSettings() settings {
	if c.identity != nil {
		return c.settings
	}
	if base := c.cache.base.Load(); base != nil && c.inner.std == nil {
		return base.settings
	}
	return nil
}

// agree tells whether two sessions have the same values of the named settings.
func (s settings) agree(with settings, names []string) bool {
	return s.knows(names) && bytes.Equal(s.appendTo(nil, names), with.appendTo(nil, names))
}
