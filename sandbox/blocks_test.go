package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const blockPath = "/v25.0/700/block_users"

// blockBody asks to block users by phone.
func blockBody(phones ...string) string {
	users := make([]string, 0, len(phones))
	for _, p := range phones {
		users = append(users, fmt.Sprintf(`{"user":%q}`, p))
	}
	return `{"messaging_product":"whatsapp","block_users":[` + strings.Join(users, ",") + `]}`
}

func TestBlockingAndUnblocking(t *testing.T) {
	g := business()
	wantAnswer(t, as(g, shopToken, "POST", blockPath, `{"messaging_product":"whatsapp","block_users":[{"user":"+1 (650) 555-1212","user_id":"US.1"},{"user_id":"BR.7001"}]}`),
		`{"block_users":{"added_users":[{"input":"+1 (650) 555-1212","wa_id":"16505551212"},{"input":"BR.7001","user_id":"BR.7001"}]},"messaging_product":"whatsapp"}`)
	as(g, shopToken, "POST", blockPath, blockBody("16505551212")) // again: still once on the list
	list := as(g, shopToken, "GET", blockPath, "").Body.String()
	if want := `{"data":[{"messaging_product":"whatsapp","wa_id":"16505551212"},{"messaging_product":"whatsapp","user_id":"BR.7001"}],`; !strings.HasPrefix(list, want) {
		t.Errorf("the list is %s, want %s", list, want)
	}
	wantAnswer(t, as(g, shopToken, "GET", "/v25.0/701/block_users", ""), `{"data":[]}`) // another number's list
	wantAnswer(t, as(g, shopToken, "DELETE", blockPath, blockBody("+16505551212")),
		`{"block_users":{"removed_users":[{"input":"+16505551212","wa_id":"16505551212"}]},"messaging_product":"whatsapp"}`)
	if list := as(g, shopToken, "GET", blockPath, "").Body.String(); strings.Contains(list, "16505551212") || !strings.Contains(list, "BR.7001") {
		t.Errorf("the list is %s", list)
	}
}

// Those who cannot be blocked are told beside those who were, and the whole is an error too.
func TestSomeCannotBeBlocked(t *testing.T) {
	g := business()
	w := as(g, shopToken, "POST", blockPath, `{"messaging_product":"whatsapp","block_users":[`+
		`{"user":"nobody"},{"user":"16505551212"},{"user":"5511900000001"},{"user_id":"US.ENT.1"}]}`)
	wantRefusal(t, w, 400, 139100, 0)
	var got struct {
		Blocks struct {
			Added  []blockResult `json:"added_users"`
			Failed []blockResult `json:"failed_users"`
		} `json:"block_users"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if added := got.Blocks.Added; len(added) != 1 || added[0].WAID != "16505551212" {
		t.Errorf("added %+v", added)
	}
	codes := map[string]int{}
	for _, f := range got.Blocks.Failed {
		codes[f.Input] = f.Errors[0].Code
	}
	if want := map[string]int{"nobody": 131047, "5511900000001": 131021, "US.ENT.1": 131047}; fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("failed with %v, want %v", codes, want)
	}
}

func TestABlockListThatIsFull(t *testing.T) {
	g := business()
	full := blockList{}
	for i := range maxBlocked {
		full.people = append(full.people, person{WAID: fmt.Sprint(15550000000 + i)})
	}
	g.world.blocked["700"] = full
	w := as(g, shopToken, "POST", blockPath, blockBody("15550000000", "16505551212"))
	wantRefusal(t, w, 400, 139100, 0)
	if body := w.Body.String(); strings.Count(body, `"code":139101`) != 1 || !strings.Contains(body, `"added_users":[{"input":"15550000000"`) {
		t.Errorf("got %s, want only the new one to fail", body)
	}
}

func TestABlockRequestThatIsNone(t *testing.T) {
	for _, body := range []string{
		"", "[]", `{"block_users":[{"user":"16505551212"}]}`, blockBody(), blockBody(make([]string, maxBlockUsers+1)...),
	} {
		wantRefusal(t, as(business(), shopToken, "POST", blockPath, body), 400, 100, 0)
	}
	wantRefusal(t, as(business(), shopToken, "GET", "/v25.0/799/block_users", ""), 400, 100, 33)
}

// page is a page of a block list as a client reads it.
type page struct {
	Data   []person `json:"data"`
	Paging struct {
		Cursors struct{ Before, After string } `json:"cursors"`
	} `json:"paging"`
}

func readPage(t *testing.T, g *Graph, query url.Values) page {
	t.Helper()
	w := as(g, shopToken, "GET", blockPath+"?"+query.Encode(), "")
	var p page
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != http.StatusOK {
		t.Fatalf("HTTP %d %s", w.Code, w.Body)
	}
	return p
}

func TestReadingTheBlockListInPages(t *testing.T) {
	g := business()
	as(g, shopToken, "POST", blockPath, blockBody("15550000001", "15550000002", "15550000003", "15550000004", "15550000005"))
	var seen, back []string
	var last page
	for p := readPage(t, g, url.Values{"limit": {"2"}}); len(p.Data) > 0; p = readPage(t, g, url.Values{"limit": {"2"}, "after": {p.Paging.Cursors.After}}) {
		for _, who := range p.Data {
			seen = append(seen, who.WAID[10:])
		}
		last = p
	}
	for _, who := range readPage(t, g, url.Values{"limit": {"3"}, "before": {last.Paging.Cursors.Before}}).Data {
		back = append(back, who.WAID[10:])
	}
	if fmt.Sprint(seen, back) != "[1 2 3 4 5] [2 3 4]" {
		t.Errorf("forwards %v, and back from the last page %v", seen, back)
	}

	as(g, shopToken, "DELETE", blockPath, blockBody("15550000001"))
	stale := blockPath + "?after=" + last.Paging.Cursors.Before
	wantRefusal(t, as(g, shopToken, "GET", stale, ""), 400, 139102, 0)
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "after=x", "before=%00", "after=MSwtMQ"} {
		wantRefusal(t, as(g, shopToken, "GET", blockPath+"?"+query, ""), 400, 100, 0)
	}
}
