//go:build !race

package sqlledger_test

const underRace = false
