package sandbox

// The calls around the events: what all of them have in common, and the small ones.

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// call is a call that Meta lets through: the token is good and has the permission.
type call struct {
	method string
	id     string // of the object in the path
	query  url.Values
	body   []byte
	grant  Grant
}

// handle answers with what do says, unless the call is refused before.
func (g *Graph) handle(scope string, do func(call) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(w, r)
		if err != nil {
			invalid("", "the request cannot be read: "+err.Error()).answer().write(w)
			return
		}
		c := call{method: r.Method, id: r.PathValue("id"), query: r.URL.Query(), body: body}
		var no *refusal
		c.grant, no = g.world.admit(r, scope)
		if no == nil {
			no = g.world.prove(c.grant.Token, c.proof())
		}
		if no != nil {
			no.answer().write(w)
			return
		}
		do(c).write(w)
	}
}

// proof is appsecret_proof from the address or, where there is one, the JSON body.
func (c call) proof() string {
	var body struct {
		Proof string `json:"appsecret_proof"`
	}
	_ = json.Unmarshal(c.body, &body) // calls that need a body complain themselves
	return cmp.Or(c.query.Get("appsecret_proof"), body.Proof)
}

// account finds the account that a call is about, if it exists for the token.
func (g *Graph) account(c call) (Account, *refusal) {
	a, found := g.world.account(c.id)
	if !found || !c.grant.sees(c.id) {
		return a, noSuchObject(c.method, c.id)
	}
	return a, nil
}

// listOf is Meta's shape for several things.
func listOf[T any](items ...T) answer {
	return answerOK(map[string][]T{"data": append([]T{}, items...)})
}

// object is one of Meta's, of which only the id matters.
type object struct {
	ID string `json:"id"`
}

// postDataset makes an account's dataset, or finds the one it has (Meta, Graph API: WhatsApp Business
// Account dataset).
func (g *Graph) postDataset(c call) answer {
	a, no := g.account(c)
	if no != nil {
		return no.answer()
	}
	return answerOK(object{g.world.makeDataset(a.ID)})
}

// getDataset lists the account's dataset, or nothing.
func (g *Graph) getDataset(c call) answer {
	a, no := g.account(c)
	if no != nil {
		return no.answer()
	}
	g.world.mu.RLock()
	defer g.world.mu.RUnlock()
	if id, found := g.world.datasetOf(a.ID); found {
		return listOf(object{id})
	}
	return listOf[object]()
}

func (w *world) makeDataset(account string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, found := w.datasetOf(account)
	if !found {
		id = fmt.Sprintf("88%013d", len(w.datasets)+1)
		w.datasets[id] = account
	}
	return id
}

// datasetOf finds the account's dataset; mu is held.
func (w *world) datasetOf(account string) (string, bool) {
	for id, owner := range w.datasets {
		if owner == account {
			return id, true
		}
	}
	return "", false
}

// phoneNumber is a business number as Meta lists it (Meta, Graph API: phone_numbers).
type phoneNumber struct {
	VerifiedName string `json:"verified_name"`
	Display      string `json:"display_phone_number"`
	Quality      string `json:"quality_rating"`
	ID           string `json:"id"`
}

// getNumbers lists the account's numbers.
func (g *Graph) getNumbers(c call) answer {
	a, no := g.account(c)
	if no != nil {
		return no.answer()
	}
	var numbers []phoneNumber
	for _, n := range a.Numbers {
		numbers = append(numbers, phoneNumber{VerifiedName: n.Name, Display: n.Display, Quality: "GREEN", ID: n.ID})
	}
	return listOf(numbers...)
}
