package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clickthread/clickthread/capi"
)

// A merchant finds the code that a command printed, under what is done about it.
func TestTheErrorPageHasEveryCode(t *testing.T) {
	parts := strings.Split(string(metaErrors()), "\n## ")[1:]
	if len(parts) != len(sections) {
		t.Fatalf("%d sections, want %d", len(parts), len(sections))
	}
	for _, e := range capi.Explanations() {
		found := ""
		for i, part := range parts {
			for line := range strings.Lines(part) {
				codes, words, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
				if slices.Contains(strings.Split(codes, ", "), code(e)) && words == cell(e.What)+" | "+cell(e.Fix)+" |\n" {
					found += string(sections[i].verdict)
				}
			}
		}
		if found != string(e.Verdict) {
			t.Errorf("%s %q stands under %q, want %q once", code(e), e.What, found, e.Verdict)
		}
	}
}

func TestTablesAreInOnePiece(t *testing.T) {
	for line := range strings.Lines(string(metaErrors())) {
		if strings.HasPrefix(line, "|") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 4 {
			t.Errorf("not three cells: %s", line)
		}
	}
}

func TestAStalePageIsNoticed(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true); err == nil {
		t.Error("a missing page is up to date")
	}
	if err := run(root, false); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true); err != nil {
		t.Errorf("just written: %v", err)
	}
	page := filepath.Join(root, "docs", "meta-errors.md")
	if err := os.WriteFile(page, append(metaErrors(), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(root, true); err == nil || !strings.Contains(err.Error(), "docs/meta-errors.md is not up to date; run: make generate") {
		t.Errorf("a changed page: %v", err)
	}
}

// What a reader gets is finished: a figure that is still to be filled in, or a note of its writer, is not for them.
func TestNoPageIsUnfinished(t *testing.T) {
	root := filepath.Join("..", "..")
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d pages %v", len(pages), err)
	}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			for _, mark := range []string{"@@", "TO" + "DO"} {
				if strings.Contains(line, mark) {
					t.Errorf("%s:%d has %s: %.80s", filepath.Base(page), n, mark, line)
				}
			}
		}
	}
}
