package pipelines

// LimitUse is how much of a vendor's limit the last span held.
type LimitUse struct {
	Connection string // one of the account's
	Limit      string
	Used       int
	Allowed    int // 0: only calls at once are limited
}

// Limits returns what is used of every limit of the connections in force.
func (e *Engine) Limits() []LimitUse {
	var out []LimitUse
	for name, c := range e.connections() {
		if c.gone {
			continue
		}
		for _, l := range c.Connector.Limits {
			used, allowed := c.limits.Used(l.Name)
			out = append(out, LimitUse{Connection: name, Limit: l.Name, Used: used, Allowed: allowed})
		}
	}
	return out
}
