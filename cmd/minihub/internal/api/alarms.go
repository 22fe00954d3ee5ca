package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/minihub/minihub/cmd/minihub/internal/alarm"
)

// Alarms is what the hub watches.
type Alarms interface {
	List(language string) alarm.Listing
	Try(ctx context.Context, receiver string) ([]alarm.Tried, error)
	Ack(ctx context.Context, id, who, note string) (*alarm.Ack, error)
}

// AlarmTest names the receiver to try; empty = all.
type AlarmTest struct {
	Receiver string `json:"receiver,omitempty"`
}

// AlarmTested is what the receivers answered.
type AlarmTested struct {
	Results []alarm.Tried `json:"results"`
}

func (a *API) alarmCalls() {
	a.handle("GET /api/v1/alarms", a.listAlarms)
	a.handle("POST /api/v1/alarms/test", a.testAlarms)
	a.handle("POST /api/v1/alarms/{alarm}/ack", a.ackAlarm)
}

// listAlarms answers open and past alarms; `language` is zh or en.
func (a *API) listAlarms(r *http.Request) (any, error) {
	language := r.URL.Query().Get("language")
	if language != "" && language != "en" && language != "zh" {
		return nil, &Error{Status: http.StatusBadRequest, Code: "alarm.language", Text: "the language is unknown", Hint: "use en or zh"}
	}
	return a.opt.Alarms.List(language), nil
}

// AlarmAck says what is done about an alarm.
type AlarmAck struct {
	Note string `json:"note"`
	Who  string `json:"who,omitempty"`
}

func (a *API) ackAlarm(r *http.Request) (any, error) {
	var req AlarmAck
	if err := body(r, &req); err != nil {
		return nil, err
	}
	if req.Note = cut(strings.TrimSpace(req.Note), longestWhy); req.Note == "" {
		return nil, &Error{Status: http.StatusBadRequest, Code: "alarm.note", Text: "no note is given", Hint: "say in note what is done about it"}
	}
	ack, err := a.opt.Alarms.Ack(r.Context(), r.PathValue("alarm"), who(r, req.Who), req.Note)
	if errors.Is(err, alarm.ErrNotOpen) {
		var open []string
		for _, e := range a.opt.Alarms.List("").Open {
			open = append(open, e.ID)
		}
		return nil, unknown("alarm", r.PathValue("alarm"), open)
	}
	return ack, err
}

func (a *API) testAlarms(r *http.Request) (any, error) {
	var req AlarmTest
	if err := body(r, &req); err != nil {
		return nil, err
	}
	list, err := a.opt.Alarms.Try(r.Context(), req.Receiver)
	if errors.Is(err, alarm.ErrNoReceiver) {
		var known []string
		for _, s := range a.opt.Alarms.List("").Receivers {
			known = append(known, s.Name)
		}
		return nil, unknown("receiver", req.Receiver, known)
	}
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, &Error{Status: http.StatusConflict, Code: "alarm.no_receivers", Text: "no receiver of alarms is configured", Hint: "add alarms: {receivers: [...]} to hub.yaml"}
	}
	return &AlarmTested{Results: list}, nil
}
