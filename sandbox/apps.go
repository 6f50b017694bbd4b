package sandbox

// Which accounts send their webhooks to this app (Meta, WhatsApp Business Platform: Subscribed apps,
// Override callback URL).

import (
	"bytes"
	"encoding/json"
	"net/url"
)

// maxCallback is how long an overriding address may be, in bytes.
const maxCallback = 200

// subscription sends an account's webhooks to the app.
type subscription struct {
	Callback string `json:"override_callback_uri"` // "" for the app's own
	Verify   string `json:"verify_token"`
}

type subscribedApp struct {
	App struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Link string `json:"link"`
	} `json:"whatsapp_business_api_data"`
	Callback string `json:"override_callback_uri,omitempty"`
}

var success = map[string]bool{"success": true}

// postApp subscribes the app. With a body it overrides the address, without one it ends that.
func (g *Graph) postApp(c call) answer {
	a, no := g.account(c)
	if no != nil {
		return no.answer()
	}
	var s subscription
	if len(bytes.TrimSpace(c.body)) > 0 {
		if err := json.Unmarshal(c.body, &s); err != nil {
			return invalid("", "the body is not an object: "+err.Error()).answer()
		}
	}
	g.world.mu.Lock()
	defer g.world.mu.Unlock()
	if _, subscribed := g.world.apps[a.ID]; s.Callback != "" && !subscribed {
		return invalid("", "subscribe the app before you override its callback").answer()
	}
	if s.Callback != "" && !s.acceptable() {
		return invalid("", "override_callback_uri must be an https address of at most 200 bytes, with a verify_token").answer()
	}
	g.world.apps[a.ID] = s
	return answerOK(success)
}

func (s subscription) acceptable() bool {
	address, err := url.Parse(s.Callback)
	return err == nil && address.Scheme == "https" && address.Host != "" && len(s.Callback) <= maxCallback && s.Verify != ""
}

// getApps lists the app where it is subscribed.
func (g *Graph) getApps(c call) answer {
	a, no := g.account(c)
	if no != nil {
		return no.answer()
	}
	g.world.mu.RLock()
	defer g.world.mu.RUnlock()
	s, subscribed := g.world.apps[a.ID]
	if !subscribed {
		return listOf[subscribedApp]()
	}
	app := subscribedApp{Callback: s.Callback}
	app.App.ID, app.App.Name, app.App.Link = appID, appName, "https://www.facebook.com/games/?app_id="+appID
	return listOf(app)
}

func (g *Graph) deleteApp(c call) answer {
	a, no := g.account(c)
	if no != nil {
		return no.answer()
	}
	g.world.mu.Lock()
	defer g.world.mu.Unlock()
	delete(g.world.apps, a.ID)
	return answerOK(success)
}
