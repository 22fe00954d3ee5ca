package bus

import (
	"github.com/ThreeDotsLabs/watermill"
	"go.uber.org/zap"
)

// Logger gives Watermill the hub's logger.
func Logger(log *zap.Logger) watermill.LoggerAdapter { return adapter{log} }

type adapter struct{ log *zap.Logger }

func (a adapter) Error(msg string, err error, fields watermill.LogFields) {
	a.log.Error(msg, append(zapFields(fields), zap.Error(err))...)
}

// Watermill's Info and Debug speak of every subscription and message: debug for us.
func (a adapter) Info(msg string, fields watermill.LogFields) { a.log.Debug(msg, zapFields(fields)...) }
func (a adapter) Debug(string, watermill.LogFields)           {}
func (a adapter) Trace(string, watermill.LogFields)           {}
func (a adapter) With(fields watermill.LogFields) watermill.LoggerAdapter {
	return adapter{a.log.With(zapFields(fields)...)}
}

func zapFields(fields watermill.LogFields) []zap.Field {
	out := make([]zap.Field, 0, len(fields))
	for k, v := range fields {
		out = append(out, zap.Any(k, v))
	}
	return out
}
