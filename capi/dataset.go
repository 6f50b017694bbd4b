package capi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
)

// Dataset is where a batch goes. Token and app secret are left out however a Dataset is printed,
// logged or marshalled.
type Dataset struct {
	ID    string // numeric
	Token string `json:"-"`
	// AppSecret is that of the token's app. If set, each request proves that we have it, which an app
	// with "Require app secret" asks for.
	AppSecret string `json:"-"`
	// TestEventCode shows the events under "Test events" in Meta's Events Manager, like TEST12345.
	// They count all the same (Meta, Conversions API for Business Messaging). Blank sends none.
	TestEventCode string
}

// String names the dataset without its secrets.
func (d Dataset) String() string { return "dataset " + d.ID }

// Format implements [fmt.Formatter] for every verb, since %d or %#v would print the fields.
func (d Dataset) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, d.String()) }

// LogValue implements [slog.LogValuer].
func (d Dataset) LogValue() slog.Value { return slog.StringValue(d.String()) }

func (d Dataset) credentials() Credentials {
	return Credentials{Token: d.Token, AppSecret: d.AppSecret}
}

// CreateDataset makes the dataset of a WhatsApp Business Account and gives its id. An account that has
// one keeps it: the id is the old one's. The name is for people and may be empty. The token needs
// whatsapp_business_management and whatsapp_business_manage_events (Meta, Graph API: POST /{waba}/dataset).
func (c *Client) CreateDataset(ctx context.Context, as Credentials, waba, name string) (id string, err error) {
	fields := map[string]string{}
	if name != "" {
		fields["dataset_name"] = name
	}
	body, _ := json.Marshal(fields) // strings always marshal
	const op = "create the dataset"
	answered, e := c.ask(ctx, op, request{method: http.MethodPost, path: url.PathEscape(waba) + "/dataset", body: body, as: as})
	if e != nil {
		return "", e
	}
	id, err = datasetID(answered.body)
	if err == nil && id == "" {
		err = errors.New("the answer names no dataset")
	}
	if err != nil {
		return "", answered.unreadable(op, err)
	}
	return id, nil
}

// ReadDataset gives the id of the dataset that belongs to a WhatsApp Business Account; it is not ok
// where the account has none yet.
func (c *Client) ReadDataset(ctx context.Context, as Credentials, waba string) (id string, ok bool, err error) {
	const op = "read the dataset"
	answered, e := c.ask(ctx, op, request{method: http.MethodGet, path: url.PathEscape(waba) + "/dataset", as: as})
	if e != nil {
		return "", false, e
	}
	id, err = datasetID(answered.body)
	if err != nil {
		return "", false, answered.unreadable(op, err)
	}
	return id, id != "", nil
}

// datasetID reads both shapes that were seen, {"id":"9"} and {"data":[{"id":"9"}]}; "" for an empty one.
func datasetID(body []byte) (string, error) {
	type dataset struct {
		ID graphID `json:"id"`
	}
	var a struct {
		dataset
		Data []dataset `json:"data"`
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return "", err
	}
	if a.ID == "" && len(a.Data) > 0 {
		return string(a.Data[0].ID), nil
	}
	return string(a.ID), nil
}
