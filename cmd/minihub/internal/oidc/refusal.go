package oidc

// The codes of refused sign-ins.
const (
	CodeProvider = "oidc.provider" // the provider does not answer, or not as one does
	CodeState    = "oidc.state"    // the answer is not of a sign-in that this browser began
	CodeDenied   = "oidc.denied"   // the provider, or the person there, said no
	CodeAnswer   = "oidc.answer"   // the provider's answer is not to be trusted
	CodeDomain   = "oidc.domain"   // the e-mail address is of another domain, or not verified
	CodeRole     = "oidc.role"     // no claim gives a role
	CodeBlocked  = "oidc.blocked"  // an admin of the hub has shut the person out
)

// Refusal is a sign-in that came to nothing, in words for the person. Cause is for who
// runs the hub; no token, code or personal value is in it (Invariant 8).
type Refusal struct {
	Code  string
	Cause string
}

// The words of refusals, each with what to do.
var refusals = map[string][2]string{
	CodeProvider: {"the sign-in provider does not answer as it should", "try again in a minute; `minihub doctor --online` says what is wrong"},
	CodeState:    {"this sign-in was not begun in this browser, was used before, or took too long", "begin it again from the sign-in page"},
	CodeDenied:   {"the sign-in provider refused", "begin again, or ask who runs the provider"},
	CodeAnswer:   {"the sign-in provider's answer cannot be trusted", "begin again; when it stays, who runs the hub finds the cause in the audit"},
	CodeDomain:   {"your e-mail address is not verified, or of a domain that is not let in here", "sign in with the account of your work"},
	CodeRole:     {"you are known, and have no role in this hub", "ask who runs the provider for a group that has a role here"},
	CodeBlocked:  {"an admin of this hub has shut you out", "ask an admin"},
}

func refuse(code, cause string) *Refusal { return &Refusal{Code: code, Cause: cause} }

func (r *Refusal) Error() string { return refusals[r.Code][0] }

// Hint is what the person may do.
func (r *Refusal) Hint() string { return refusals[r.Code][1] }
