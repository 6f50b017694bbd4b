package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clickthread/clickthread/configs"
)

// desk is the operator's system, which is told.
type desk struct {
	*httptest.Server
	status int
	posts  []string // type, account and cause
	words  []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{status: http.StatusOK}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		src, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("webhook-id") == "" || r.Header.Get("webhook-signature") == "" {
			t.Errorf("%v, with the headers %v", err, r.Header)
		}
		var body struct {
			Type string
			Data struct{ Account, Cause, Words, Fix string }
		}
		if err := json.Unmarshal(src, &body); err != nil {
			t.Error(err)
		}
		d.posts = append(d.posts, body.Type+" "+body.Data.Account+" "+body.Data.Cause)
		d.words = append(d.words, body.Data.Words+" "+body.Data.Fix)
		w.WriteHeader(d.status)
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *desk) told(s *configs.Settings) {
	s.Notices = []configs.Receiver{{URL: d.URL + "/hook", Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", AllowPrivate: true}}
}

// runJob makes one pass of a job by its name.
func (h *house) runJob(name string, want int) {
	h.Helper()
	for _, j := range h.app.jobs() {
		if j.name == name {
			if n, err := j.pass(h.Context()); n != want || err != nil {
				h.Errorf("%s did %d, %v; want %d", name, n, err, want)
			}
			return
		}
	}
	h.Errorf("there is no job %s", name)
}

// A sale of six and a half days ago is not at Meta yet. The operator is told once, whatever the server
// does meanwhile, and sees that it was.
func TestTheOperatorIsTold(t *testing.T) {
	d := newDesk(t)
	h := openHouse(t, testRules, d.told)
	ana := h.ana()
	begin := time.Now().Add(-6*24*time.Hour - 12*time.Hour)
	h.runJob("watch", 0)
	h.post(ana, ana.At(begin).Click(ad("Clid1"), "oi"))
	h.post(ana, ana.At(begin.Add(time.Minute)).Say("paguei R$ 50,00"))

	d.status = http.StatusBadGateway
	h.runJob("watch", 1)
	h.runJob("notify", 0)
	h.restart(nil)
	h.runJob("watch", 0)
	if diff := cmp.Diff([]string{"events.expiring shop queued"}, d.posts); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if len(d.words) == 0 || !strings.Contains(d.words[0], "1 event waits; Meta takes it until") || !strings.Contains(d.words[0], "clickthread accounts resume shop") {
		t.Errorf("in the words %q", d.words)
	}
	lines := h.noticesLs("--state", "queued")
	if len(lines) != 1 || lines[0].Words != "answered 502 Bad Gateway" || lines[0].Attempts != 1 || lines[0].Next == nil || lines[0].Receiver != d.URL {
		t.Errorf("notices ls: %+v", lines)
	}

	if diff := cmp.Diff([]string{"Purchase Clid1 50.00 BRL"}, h.metaHolds()); diff != "" {
		t.Errorf("Meta holds (-want +got):\n%s", diff)
	}
	h.runJob("watch", 0) // the condition ended, which nobody has to know
	if len(h.noticesLs("--state", "sent")) != 0 || len(h.noticesLs()) != 1 {
		t.Errorf("notices ls: %+v", h.noticesLs())
	}
}

// noticesLs runs the command as a person does.
func (h *house) noticesLs(flags ...string) (lines []noticeLine) {
	h.Helper()
	s := h.app.settings
	file := filepath.Join(h.TempDir(), "settings.yaml")
	text := "database: " + s.Database + "\nmeta: {app_secrets: [s], verify_token: v}\nnotices: [{url: '" + s.Notices[0].URL +
		"', secret: " + s.Notices[0].Secret.Reveal() + ", allow_private: true}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		h.Fatal(err)
	}
	args := append([]string{"notices", "ls", "--config", file}, flags...)
	var table, out, errs bytes.Buffer
	if code := run(h.Context(), append(args, "--json"), &out, &errs); code != exitOK {
		h.Fatalf("ends with %d: %s", code, &errs)
	}
	if err := json.Unmarshal(out.Bytes(), &lines); err != nil {
		h.Fatal(err)
	}
	if code := run(h.Context(), args, &table, &errs); code != exitOK || len(lines) > 0 && strings.Count(table.String(), "\n") != 1+len(lines) {
		h.Errorf("as a table, with %d: %s%s", code, &table, &errs)
	}
	if strings.Contains(out.String()+table.String(), "/hook") {
		h.Errorf("the receiver's path is shown: %s", &out)
	}
	return lines
}
