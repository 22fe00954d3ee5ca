package sqlledger_test

import (
	"testing"

	"github.com/minihub/minihub/pipelines/ledger"
	"github.com/minihub/minihub/pipelines/ledger/ledgertest"
)

func TestSuite(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		ledgertest.Run(t, func(t *testing.T) ledger.Ledger { return sqliteStore(t).open(t) })
	})
	t.Run("postgres", func(t *testing.T) {
		ledgertest.Run(t, func(t *testing.T) ledger.Ledger { return postgresStore(t).open(t) })
	})
}
