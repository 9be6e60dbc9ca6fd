package catalog

// resolved is the answer of resolve.sql as it comes.
type resolved struct {
	Resolution
	Called   []called `json:"functions"`
	Settings []string `json:"settings"` // the names in expression trees, see textDatum
	Asks     []int    `json:"asks"`
}

// called is a function, with its text when settings may be read there.
type called struct {
	Function
	Language string `json:"language"`
	Source   string `json:"source"`
}

func (raw *resolved) resolution() Resolution {
	r := raw.Resolution
	var reads settingReads
	reads.constants(raw.Settings)
	for _, f := range raw.Called {
		if f.Source != "" {
			reads.source(f.Language, f.Source)
		}
		if f.Volatility != "i" {
			r.Functions = append(r.Functions, f.Function)
		}
	}
	for _, code := range raw.Asks {
		reads.computed = reads.computed || code == computesSetting
	}
	r.Settings, r.ComputedSetting = reads.sorted(), reads.computed
	r.Asks = asksFor(raw.Asks)
	return r
}
