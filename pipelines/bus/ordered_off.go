//go:build minihub_without_lanes

package bus

const ordered = false
