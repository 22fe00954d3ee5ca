package alarm

import "time"

// Sample is what the hub looks like at one moment.
type Sample struct {
	At time.Time
	// Broken is why the store does not answer; everything but Free is then unknown.
	Broken string
	Counts []Count
	Gates  []Gate
	Limits []Limit
	Jobs   []Job
	Tokens []Token
	// Intake is how many records each connection.stream has brought since ever.
	Intake map[string]int64
	// Free is how many bytes of the store's disk may still be written; 0 = not known.
	Free uint64
}

// Count is how many rows of a connection are in a state.
type Count struct {
	Kind       string // record, delivery, hint
	Connection string
	Name       string // stream or operation
	State      string
	Code       string
	N          int64
	Oldest     time.Time // of unfinished rows; zero = not known
}

// Gate is a closed gate.
type Gate struct {
	Connection, Operation string // no operation: the whole connection
	Reason                string // outage, auth, quota, pause, ...
	Code                  string
	Since                 time.Time
}

// Limit is how much of a vendor's allowance its span holds.
type Limit struct {
	Connection, Name string
	Used, Allowed    int
	Per              time.Duration
}

// Job is how a job stands.
type Job struct {
	Name string
	// Next returns the first tick after a time; zero = never again.
	Next    func(time.Time) time.Time
	Last    time.Time // when it last started; zero = never
	Running bool
	Paused  bool
	Since   time.Time // when it was paused
	Failed  int       // runs in a row that failed, newest first, of those that were looked at
	// Connections are those that it pulls.
	Connections []string
}

// Token is a credential that ends.
type Token struct {
	Connection string
	Until      time.Time
}
