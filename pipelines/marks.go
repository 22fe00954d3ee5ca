//go:build !minihub_without_marks

package pipelines

// marked is false only in the program that the kill test builds to prove that it would
// notice: attempts are then not made durable before they start (Invariant 3).
const marked = true
