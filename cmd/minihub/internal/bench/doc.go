// Package bench measures the whole path: signed intake, canonical mapping and check,
// target mapping and check, durable with full sync, signed HTTP delivery, receipt and
// link, as a fraction of the bare rate at which the same machine posts the same bodies
// to the same sink in the same run. `make bench` runs it.
package bench
