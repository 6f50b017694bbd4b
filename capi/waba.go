package capi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// PhoneNumber is a business number of a WhatsApp Business Account.
type PhoneNumber struct {
	ID           string // what webhooks call phone_number_id
	Display      string // the number as people write it
	VerifiedName string
}

// maxPages ends a list that never ends: 100 pages of 100 numbers are more than any account has.
const maxPages = 100

var errEndless = errors.New("the list of phone numbers does not end")

// PhoneNumbers lists the business numbers of a WhatsApp Business Account, all pages of them.
func (c *Client) PhoneNumbers(ctx context.Context, as Credentials, waba string) ([]PhoneNumber, error) {
	const op = "list the phone numbers"
	query := url.Values{"fields": {"id,display_phone_number,verified_name"}, "limit": {"100"}}
	var numbers []PhoneNumber
	for range maxPages {
		var page struct {
			Data []struct {
				ID           graphID `json:"id"`
				Display      string  `json:"display_phone_number"`
				VerifiedName string  `json:"verified_name"`
			} `json:"data"`
			Paging paging `json:"paging"`
		}
		err := c.graph(ctx, op, request{method: http.MethodGet, path: url.PathEscape(waba) + "/phone_numbers", query: query, as: as}, &page)
		if err != nil {
			return nil, err
		}
		for _, n := range page.Data {
			numbers = append(numbers, PhoneNumber{ID: string(n.ID), Display: n.Display, VerifiedName: n.VerifiedName})
		}
		after := page.Paging.after()
		if after == "" {
			return numbers, nil
		}
		query.Set("after", after)
	}
	return nil, &Error{Op: op, Sent: true, HTTPStatus: http.StatusOK, Err: errEndless}
}

// App is an app that gets a WhatsApp Business Account's webhooks.
type App struct {
	ID, Name, Link string
	// OverrideURL is where the field "messages" goes instead of the app's own address; usually "".
	OverrideURL string
}

// Subscribe sends the account's webhooks to the token's app. It may be done twice, and leaves other
// apps as they are (Meta, Cloud API: subscribed_apps).
func (c *Client) Subscribe(ctx context.Context, as Credentials, waba string) error {
	return c.confirm(ctx, "subscribe the app", subscribedApps(http.MethodPost, as, waba))
}

// Unsubscribe ends what [Client.Subscribe] began.
func (c *Client) Unsubscribe(ctx context.Context, as Credentials, waba string) error {
	return c.confirm(ctx, "unsubscribe the app", subscribedApps(http.MethodDelete, as, waba))
}

// Subscribed lists the apps that get the account's webhooks.
func (c *Client) Subscribed(ctx context.Context, as Credentials, waba string) ([]App, error) {
	var a struct {
		Data []struct {
			App struct {
				ID   graphID `json:"id"`
				Name string  `json:"name"`
				Link string  `json:"link"`
			} `json:"whatsapp_business_api_data"`
			OverrideURL string `json:"override_callback_uri"`
		} `json:"data"`
	}
	if err := c.graph(ctx, "list the subscribed apps", subscribedApps(http.MethodGet, as, waba), &a); err != nil {
		return nil, err
	}
	var apps []App
	for _, s := range a.Data {
		apps = append(apps, App{ID: string(s.App.ID), Name: s.App.Name, Link: s.App.Link, OverrideURL: s.OverrideURL})
	}
	return apps, nil
}

func subscribedApps(method string, as Credentials, waba string) request {
	return request{method: method, path: url.PathEscape(waba) + "/subscribed_apps", as: as}
}
