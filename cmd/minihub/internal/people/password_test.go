package people

import (
	"regexp"
	"strings"
	"testing"
)

func TestPasswordsAreHashedWithTheirSalt(t *testing.T) {
	a, err := HashPassword(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	b, err := HashPassword(t.Context(), good)
	if err != nil || a == b {
		t.Fatalf("the same hash twice: %s %v", a, err)
	}
	if !regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`).MatchString(a) {
		t.Fatalf("the hash does not say its cost: %s", a)
	}
	for password, want := range map[string]bool{good: true, good + " ": false, "": false, strings.ToUpper(good): false} {
		if got, err := VerifyPassword(t.Context(), a, password); got != want || err != nil {
			t.Errorf("%q: %v %v", password, got, err)
		}
	}
	if got, err := VerifyPassword(t.Context(), "", ""); got || err != nil {
		t.Errorf("without a hash: %v %v", got, err)
	}
}

func FuzzStoredHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA")
	f.Add("$$$$$")
	f.Add("x")
	f.Fuzz(func(t *testing.T, hash string) {
		if m := regexp.MustCompile(`m=0*(\d{5,})|t=0*(\d{2,})`); m.MatchString(hash) {
			t.Skip("it would take as long as it says")
		}
		ok, err := VerifyPassword(t.Context(), hash, "some password")
		if ok && err != nil || ok && !strings.HasPrefix(hash, "$argon2id$") {
			t.Fatalf("%q: %v %v", hash, ok, err)
		}
	})
}

func TestRoles(t *testing.T) {
	for _, bad := range [][]string{nil, {"boss"}, {"viewer", "viewer"}, {"Viewer"}, {""}} {
		if CheckRoles(bad) == nil {
			t.Errorf("%q are taken", bad)
		}
	}
	for _, r := range Roles() {
		if err := CheckRoles([]string{string(r)}); err != nil || len(RightsOf([]string{string(r)})) == 0 {
			t.Errorf("%s: %v", r, err)
		}
	}
	if got := RightsOf([]string{"support", "viewer", "boss"}); len(got) != len(rights[Support]) {
		t.Errorf("together they may %v", got)
	}
	nobody := &Identity{}
	for _, r := range []Right{See, Repair, Lookup, Reveal, Operate, Change, Audit, Manage} {
		if nobody.May(r) || !Command().May(r) {
			t.Errorf("%s: without a role %v, the command %v", r, nobody.May(r), Command().May(r))
		}
	}
}
