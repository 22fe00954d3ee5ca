//go:build !minihub_without_lanes

package bus

// ordered is false only in the program that the kill test builds to prove that it would
// notice: deliveries of one root then pass each other (Invariant 4).
const ordered = true
