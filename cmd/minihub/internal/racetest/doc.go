// Package racetest tells tests whether the race detector looks on: what runs as programs of
// its own or only grows long by it runs smaller then, or in the run without it.
package racetest
