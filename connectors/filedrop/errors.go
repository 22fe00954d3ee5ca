package filedrop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/minihub/minihub/connectors"
)

// placeError classifies a fault of the place. The texts of servers and of the system name
// paths only, which are the integrator's own; sent says that a write may have happened.
func placeError(doing string, err error, sent bool) *connectors.Error {
	var done *connectors.Error
	if errors.As(err, &done) {
		return done
	}
	e := &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: "file.place", Text: doing, Err: err, Sent: sent}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Code, e.Scope = "file.cancelled", connectors.OfDocument
	case errors.Is(err, errHostKey):
		e.Kind, e.Code, e.Sent = connectors.Forbidden, "file.host_key", false
		e.Hint = "ask the operator of the server whether its key was changed; if so, put the new fingerprint into host_key"
	case strings.Contains(err.Error(), "unable to authenticate"):
		e.Kind, e.Code, e.Sent = connectors.Unauthorized, "file.login", false
		e.Hint = "check user, private_key and password"
	case errors.Is(err, fs.ErrNotExist):
		e.Kind, e.Scope, e.Code = connectors.NotFound, connectors.OfOperation, "file.missing"
		e.Hint = "make the folder, or mend its name in the description"
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Scope, e.Code = connectors.Forbidden, connectors.OfOperation, "file.permission"
		e.Hint = "give the hub's user the right to read, write and rename there"
	case errors.Is(err, syscall.EXDEV):
		e.Kind, e.Scope, e.Code = connectors.Invalid, connectors.OfOperation, "file.other_disk"
		e.Hint = "done, rejects and journal must be on the disk of the folder itself"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Code, e.Hint = "file.full", "make room on the disk"
	}
	return e
}

func badCursor(err error) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "file.cursor", Text: "the cursor cannot be read", Err: err}
}

func unknownName(what, name string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: "file.name",
		Text: fmt.Sprintf("the description has no %s %q", what, name)}
}
