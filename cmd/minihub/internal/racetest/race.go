//go:build race

package racetest

// On says that the race detector looks on.
const On = true
