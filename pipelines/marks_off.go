//go:build minihub_without_marks

package pipelines

const marked = false
