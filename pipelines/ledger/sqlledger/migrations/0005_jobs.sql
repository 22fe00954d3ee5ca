-- Jobs that a person has paused; the history of a job is read newest first.
CREATE TABLE IF NOT EXISTS job_pause (
	job TEXT PRIMARY KEY,
	who TEXT NOT NULL,
	why TEXT NOT NULL,
	since BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS job_run_newest ON job_run (job, id);
