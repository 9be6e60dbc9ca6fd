package dsn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// largestRulesFile is in bytes: far more rules than anybody can oversee.
const largestRulesFile = 1 << 20

// rulesFileParameter names the parameter in errors about the file's lines.
const rulesFileParameter = "pgcache_rules_file"

// readRulesFile adds the file's rules behind those of the connection string.
func (c *Config) readRulesFile() error {
	if c.RulesFile == "" {
		return nil
	}
	text, err := readRegular(c.RulesFile)
	if err != nil {
		return blame(err, rulesFileParameter, c.RulesFile)
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.Trim(line, blanks)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := c.addFileRule(line, i+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) addFileRule(line string, number int) error {
	r, err := parseRule(line, true)
	if err == nil {
		r.Source = fmt.Sprintf("%s:%d", c.RulesFile, number)
		err = c.addRule(r)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		e.Line = number
	}
	return blame(err, rulesFileParameter, c.RulesFile)
}

// addRule keeps names unique: hints and statistics go by them.
func (c *Config) addRule(r Rule) error {
	same := func(other Rule) bool { return other.Name == r.Name }
	if slices.ContainsFunc(c.Rules, same) {
		return reasonf("has a second rule named %s", r.Name)
	}
	c.Rules = append(c.Rules, r)
	return nil
}

// readRegular reads a file of bounded size. Devices and pipes are refused: they
// may never end.
func readRegular(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", unreadable(err)
	}
	if !info.Mode().IsRegular() {
		return "", reasonf("is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", unreadable(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, largestRulesFile+1))
	if err != nil {
		return "", unreadable(err)
	}
	if len(text) > largestRulesFile {
		return "", reasonf("is larger than %s", formatSize(largestRulesFile))
	}
	return string(text), nil
}

// unreadable leaves the path to the error's value, where it is redacted.
func unreadable(err error) error {
	why := err
	if e, ok := errors.AsType[*os.PathError](err); ok {
		why = e.Err
	}
	return &Error{Reason: "cannot be read: " + why.Error(), Err: err}
}
