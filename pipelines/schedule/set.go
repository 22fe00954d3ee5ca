package schedule

// Set puts other jobs in force. A job that runs goes on to its end with the work it began
// with; one of the same name keeps its pause, and no second run of it begins meanwhile.
func (s *Scheduler) Set(list []Job) error {
	next, err := parsed(list)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil // stopped
	}
	for name, j := range s.jobs {
		k := next[name]
		if k == nil {
			j.stop()
			continue
		}
		if k.Spec == j.Spec && k.Zone.String() == j.Zone.String() {
			j.Text, j.Run = k.Text, k.Run // its timer goes on: no tick is missed, none comes twice
			next[name] = j
			continue
		}
		j.stop()
		if j.busy() {
			k.before = j
		}
	}
	for name, k := range next {
		if s.started && k != s.jobs[name] {
			s.arm(k)
		}
	}
	s.jobs = next
	return nil
}

func (j *job) stop() {
	if j.end != nil {
		j.end()
	}
}

// busy reports whether the job runs, or the one that it replaced still does.
func (j *job) busy() bool {
	for ; j != nil; j = j.before {
		if j.running {
			return true
		}
	}
	return false
}
