package external

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"github.com/minihub/minihub/connectors"
	"github.com/minihub/minihub/connectors/external/wire"
)

// The stable codes of what goes wrong between the hub and a program.
const (
	CodeStart       = "program.start"       // it cannot be started
	CodeDeclaration = "program.declaration" // it declares other than its description
	CodeDown        = "program.down"        // it broke and is not started again yet
	CodeGone        = "program.gone"        // it ended during the call
	CodeTimeout     = "program.timeout"
	CodeCancelled   = "program.cancelled"
	CodeAnswer      = "program.answer"   // its answer is not in the protocol's form
	CodeMessage     = "program.message"  // what is to be sent cannot be
	CodeBusy        = "program.busy"     // it does not read what waits for it
	CodeNoMethod    = "program.method"   // it has no such method
	CodeFailed      = "program.failed"   // an error without its classification
	CodeNoReason    = "program.reason"   // an outcome without a reason
	CodeClosed      = "program.closed"   // the connection is closed
	CodeAbility     = "program.ability"  // it lacks what its declaration needs
	CodeNoSave      = "program.save"     // progress of a call that is over
	CodeCallback    = "program.callback" // a call to the hub that it does not understand
)

// before is a failure before anything was handed to the program.
func before(code, text string, wait time.Duration, err error) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: code, Text: text, Wait: wait, Err: err}
}

// during is a failure with the request in the program's hands: for a write nobody knows
// what it led to (Invariant 3).
func during(code, text string) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unavailable, Scope: connectors.OfConnection, Code: code, Text: text, Sent: true}
}

func outOfTime(ctx context.Context, method string) *connectors.Error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return during(CodeCancelled, "the call "+method+" was cancelled")
	}
	return during(CodeTimeout, "the program did not answer "+method+" in time")
}

// rawLimit bounds what is kept of an answer that cannot be read.
const rawLimit = 1 << 20

func unreadable(method string, answer json.RawMessage, err error) *connectors.Error {
	return &connectors.Error{Kind: connectors.Unreadable, Scope: connectors.OfOperation, Code: CodeAnswer, Sent: true,
		Text: fmt.Sprintf("the program's answer to %s is not in the protocol's form: %v", method, err), Raw: answer[:min(len(answer), rawLimit)],
		Hint: "mend the program; docs/external-protocol.md shows every answer"}
}

// said reads the error that a program answered with.
func said(method string, rpc *jsonrpc2.Error) *connectors.Error {
	if rpc.Code == wire.CodeNoMethod {
		return &connectors.Error{Kind: connectors.Invalid, Scope: connectors.OfOperation, Code: CodeNoMethod, Text: "the program has no method " + method}
	}
	e := connectors.Error{}
	if rpc.Data == nil {
		return &connectors.Error{Kind: connectors.Unclassified, Scope: connectors.OfDocument, Code: CodeFailed, Sent: true,
			Text: fmt.Sprintf("the program failed with %d: %s", rpc.Code, cut(rpc.Message))}
	}
	err := wire.Decode(*rpc.Data, &e)
	if method == wire.MethodReceive {
		var refusal wire.Refusal
		err = wire.Decode(*rpc.Data, &refusal)
		e = refusal.Error
		e.Err = &replied{refusal.Replies}
	}
	if err != nil {
		out := unreadable(method, *rpc.Data, err)
		out.Kind = connectors.Unclassified
		return out
	}
	mend(&e)
	return &e
}

// replied carries the vendor's answers beside the error of a receive.
type replied struct{ replies wire.Replies }

func (*replied) Error() string { return "with the answers for it" }

// mend fills what an error must have.
func mend(e *connectors.Error) {
	if e.Kind == "" {
		e.Kind = connectors.Unclassified
	}
	if e.Scope == "" {
		e.Scope = connectors.OfDocument
	}
	if e.Code == "" {
		e.Code = CodeFailed
	}
	e.Text, e.Hint = cut(e.Text), cut(e.Hint)
}

// cut bounds a text that a program says.
func cut(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	r := []rune(s[:most])
	return string(r[:len(r)-1]) + "…"
}
