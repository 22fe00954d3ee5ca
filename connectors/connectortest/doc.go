// Package connectortest is the conformance suite: what it checks is what "connector"
// means. A vendor's test starts its simulator, describes sample documents and calls
// Run; everything else is the same for all.
//
// Each check runs against a system started afresh. Its name, or name/subject, is what
// a waiver is filed under:
//
//	declaration, config, close, leak
//	deliver.done, deliver.repeat, deliver.refused, deliver.batch, deliver.cancel,
//	deliver.error_body, deliver.unclassified, deliver.rate_limit, deliver.token
//	deliver.html, deliver.bad_gateway, deliver.garble, deliver.drop_answer, deliver.drop_request
//	lookup.absent, lookup.same, lookup.other, lookup.fault
//	poll.done, poll.refused
//	dry_run, dry_run.cold, dry_run.same, dry_run.reads
//	query.list, query.get
//	pull.resume, pull.faults, pull.token, fetch, ack
//	receive.good, receive.forged
//
// Whatever a connection returns or logs during any check is searched for the
// configured secrets and for those that arise at run time (Invariant 8); that cannot
// be waived.
package connectortest
