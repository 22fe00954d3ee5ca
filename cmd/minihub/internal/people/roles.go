// Package people knows who may use the hub: roles and their rights, passwords, sessions,
// API tokens and one-time links. It stands on the ledger; nothing of it lives in memory.
package people

import (
	"fmt"
	"slices"
	"strings"
)

// Right is what a call of the API needs.
type Right string

// The rights. Public needs nobody, Self anybody who is signed in.
const (
	Public  Right = "public"
	Self    Right = "self"
	See     Right = "see"     // read everything, personal values masked
	Repair  Right = "repair"  // replay, discard
	Lookup  Right = "lookup"  // fill lookup tables
	Reveal  Right = "reveal"  // see one personal value, with a reason
	Operate Right = "operate" // run jobs, backfill, reconcile, pause, resume, test
	Change  Right = "change"  // put files in force, or take them back
	Audit   Right = "audit"   // read who did what
	Manage  Right = "people"  // people and tokens
)

// Role is a set of rights that a person or a token is given.
type Role string

// The roles.
const (
	Viewer     Role = "viewer"
	Support    Role = "support"
	Ops        Role = "ops"
	Integrator Role = "integrator"
	Admin      Role = "admin"
)

var rights = map[Role][]Right{
	Viewer:     {See},
	Support:    {See, Repair, Lookup, Reveal},
	Ops:        {See, Repair, Lookup, Reveal, Operate, Audit},
	Integrator: {See, Repair, Lookup, Operate, Change},
	Admin:      {See, Repair, Lookup, Reveal, Operate, Change, Audit, Manage},
}

// Roles are all roles, from the least rights to the most.
func Roles() []Role { return []Role{Viewer, Support, Ops, Integrator, Admin} }

// RightsOf returns what roles allow together, each once.
func RightsOf(roles []string) []Right {
	var out []Right
	for _, r := range Roles() {
		if !slices.Contains(roles, string(r)) {
			continue
		}
		for _, right := range rights[r] {
			if !slices.Contains(out, right) {
				out = append(out, right)
			}
		}
	}
	return out
}

// CheckRoles refuses roles that there are not, none at all, and one given twice.
func CheckRoles(roles []string) error {
	if len(roles) == 0 {
		return fmt.Errorf("no role is given; there are %s", roleNames())
	}
	for i, r := range roles {
		if _, ok := rights[Role(r)]; !ok {
			return fmt.Errorf("there is no role %q; there are %s", r, roleNames())
		}
		if slices.Contains(roles[:i], r) {
			return fmt.Errorf("the role %q is given twice", r)
		}
	}
	return nil
}

func roleNames() string {
	var names []string
	for _, r := range Roles() {
		names = append(names, string(r))
	}
	return strings.Join(names, ", ")
}

// Kinds of who makes a call.
const (
	KindCommand = "command" // the hub's own token, or a command beside no running hub
	KindPerson  = "person"
	KindToken   = "token"
)

// Identity is who makes a call.
type Identity struct {
	Kind    string
	Name    string
	Roles   []string
	Session string // the cookie's secret; empty without one
	// Provider: an OpenID provider vouches for them, and keeps their password.
	Provider bool
}

// Command is the local command: whoever reads the hub's folder owns the hub.
func Command() *Identity {
	return &Identity{Kind: KindCommand, Name: "command", Roles: []string{string(Admin)}}
}

// Who is how the audit names the caller.
func (i *Identity) Who() string {
	if i.Kind == KindToken {
		return "token:" + i.Name
	}
	return i.Name
}

// May reports whether the caller has a right.
func (i *Identity) May(r Right) bool {
	return r == Public || r == Self || slices.Contains(RightsOf(i.Roles), r)
}
