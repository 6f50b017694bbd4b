package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/clickthread/clickthread/rules"
)

// TestScripts runs the program as a person at a terminal does: testdata/script/*.txtar.
func TestScripts(t *testing.T) {
	configs, err := filepath.Abs("../../configs")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("CONFIGS", configs)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs the program and checks the code it ends with: exits 2 rules check.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: exits CODE ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec("clickthread", args[1:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("clickthread %s ends with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// Every command shows by an example how it is meant; so must those that are added later.
func TestEveryHelpHasAnExample(t *testing.T) {
	for _, leaf := range kong.Must(&cli{}, kong.Name("clickthread")).Model.Leaves(true) {
		name := leaf.FullPath()
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append(strings.Fields(name)[1:], "--help"), &stdout, &stderr)
		if code != exitOK || stderr.Len() > 0 {
			t.Errorf("%s --help ends with %d and says %q", name, code, &stderr)
		}
		if _, example, _ := strings.Cut(stdout.String(), "Example:\n"); !strings.Contains(example, name) {
			t.Errorf("%s --help shows no example of itself:\n%s", name, &stdout)
		}
	}
}

// The tests in rule files see the click that the server would attribute to, however many there were.
func TestRuleTestsPickTheServersClick(t *testing.T) {
	at := time.Date(2026, time.January, 7, 12, 0, 0, 0, time.UTC)
	clicks := make([]rules.Click, 300)
	for i := range clicks {
		clicks[i] = rules.Click{Key: fmt.Sprintf("click-%d", i), At: at}
	}
	for first, want := range map[bool]string{true: "click-0", false: "click-299"} {
		picked, why := attribute(rules.Owner{FirstClick: first}, clicks, at)
		if picked == nil || picked.Key != want {
			t.Errorf("first %t: got %+v (%s), want %s", first, picked, why, want)
		}
	}
}

// The pretend Meta says where it listens, answers there, and ends well when it is asked to.
func TestSandboxServesUntilItIsStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, stdout := io.Pipe()
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"sandbox", "--listen", "127.0.0.1:0"}, stdout, stdout) }()

	first, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	_, url, found := strings.Cut(strings.TrimSpace(first), "listens on ")
	if !found {
		t.Fatalf("it begins with %q", first)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/sandbox/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(body)); answer.StatusCode != http.StatusOK || got != "[]" {
		t.Errorf("what it took: %d %s", answer.StatusCode, got)
	}
	stop()
	if got := <-code; got != exitOK {
		t.Errorf("ends with %d", got)
	}
}
