// Command generate writes the pages of docs that follow from the code: go run ./internal/generate.
// With -check it writes nothing and fails where a page is not up to date.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// pages is every generated page, by its path in the repository.
var pages = map[string]func() []byte{
	"docs/meta-errors.md": metaErrors,
}

func main() {
	check := flag.Bool("check", false, "write nothing; fail where a page is not up to date")
	flag.Parse()
	if err := run(".", *check); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes the pages below root, or checks them.
func run(root string, check bool) error {
	for name, page := range pages {
		file := filepath.Join(root, filepath.FromSlash(name))
		if !check {
			if err := os.WriteFile(file, page(), 0o644); err != nil {
				return err
			}
			continue
		}
		written, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !bytes.Equal(written, page()) {
			return fmt.Errorf("%s is not up to date; run: make generate", name)
		}
	}
	return nil
}
