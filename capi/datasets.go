package capi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
)

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
