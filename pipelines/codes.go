package pipelines

// Stable codes: they are stored, searched for and documented. A vendor's own codes are
// stored as they are, behind the connector's name.
const (
	CodeUnreadable     = "record.unreadable"    // the bytes cannot be decoded
	CodeTombstone      = "record.deleted"       // the source no longer has it
	CodeSchema         = "schema.canonical"     // the canonical document breaks its schema
	CodeSchemaTarget   = "schema.target"        // the target document breaks its schema
	CodeTotals         = "schema.totals"        // the amounts of the document do not add up
	CodeKey            = "key.invalid"          // the remote key is empty, too long or of the wrong form
	CodeFiltered       = "flow.filtered"        // the step's `when` said no
	CodeHeldByFlow     = "flow.held"            // the step's `hold` says wait for a newer version
	CodeTargetOff      = "target.off"           // the connection's mode is off
	CodeShadow         = "target.shadow"        // the connection's mode is shadow: mapped and checked, not sent
	CodeFlowGone       = "flow.gone"            // the flow or step of a stored delivery no longer exists
	CodeNoDryRun       = "dry_run.cannot"       // the connector cannot show what it would send
	CodePanic          = "internal.panic"       // a stage broke; a bug of ours
	CodeNewer          = "superseded.newer"     // a newer version took over
	CodeOlder          = "superseded.older"     // something newer was applied already
	CodeUndone         = "withdrawn.undone"     // a cancel came before it started
	CodeUndoneBefore   = "superseded.undone"    // the document was cancelled before
	CodeNothingToUndo  = "undo.not_needed"      // the cancel's create never started
	CodeUnchangedSame  = "unchanged.same"       // equal to what was applied last
	CodeChangeIgnored  = "unchanged.ignored"    // changed after the create; the flow says ignore
	CodeChangedLater   = "change.after_create"  // changed after the create; the flow says park
	CodeRedo           = "change.redo"          // undo, then create again
	CodeFoundOther     = "found.other"          // the target has the key with other content
	CodeRecovered      = "unknown.restart"      // the process ended while it was being sent
	CodeNoAnswer       = "unknown.no_answer"    // no result for this document in the answer
	CodeOneShot        = "unknown.one_shot"     // may not be repeated without a person
	CodeBudget         = "budget.spent"         // the vendor allows no further call for this key
	CodeAge            = "retry.too_old"        // transient failures outlived the retry age
	CodeCannotTell     = "lookup.cannot_tell"   // the target could not say for too long
	CodeMissingRef     = "blocked.reference"    // the target lacks a document it needs
	CodeMissingLookup  = "blocked.lookup"       // a lookup table has no entry
	CodeWaitsFor       = "blocked.predecessor"  // waits for another step
	CodeUndoRefused    = "undo.refused"         // the target will not cancel: act now
	CodeIntakeTooLarge = "intake.too_large"     // the body is over the limit
	CodeIntakeBroken   = "intake.broken"        // the request's body ended early
	CodeIntakeUnknown  = "intake.unknown"       // no such connection, or it takes no pushes
	CodeStalled        = "source.unreadable"    // a window that cannot be read; the cursor does not pass it
	CodeDuplicateCheck = "unknown.duplicate"    // the target says it has the key: compare
	CodeUnverified     = "duplicate.unverified" // the target has the key and cannot show the content
)
