package dsn

import "slices"

// unsupported are the parameters and values that Parse takes and nothing serves
// yet. The work that brings one of them deletes its row. An empty value stands
// for every value but the default.
var unsupported = []unsupportedRow{
	{"pgcache_tx", "readonly"},
}

type unsupportedRow struct{ parameter, value string }

// Unsupported returns an [Error] that wraps [ErrUnsupported] if the Config asks
// for something that is not built yet, and nil otherwise. With caching off
// nothing is asked for.
func (c *Config) Unsupported() error {
	if c.Mode == ModeOff {
		return nil
	}
	for _, row := range unsupported {
		if err := row.askedBy(c); err != nil {
			return err
		}
	}
	return nil
}

func (row unsupportedRow) askedBy(c *Config) error {
	p, _ := parameterNamed(row.parameter)
	values := p.write(c)
	if len(values) > 0 && (row.value == "" || slices.Contains(values, row.value)) {
		return blame(&Error{Reason: "not supported yet", Err: ErrUnsupported}, row.parameter, values[0])
	}
	return nil
}
