package sql

import (
	"context"
	stdsql "database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

// prepare brings the tables to the newest version, or for a command beside a server checks that they
// have it.
func (h home) prepare(ctx context.Context, db *stdsql.DB, o Options) error {
	if o.MustExist {
		return h.checkVersion(ctx, db)
	}
	return h.migrate(ctx, db)
}

// migrate brings the tables to the newest version. Each migration is one transaction, so a crash
// half-way leaves the version before it. Nodes that start at once on a shared database get into each
// other's way, and all but one have to look again: no lock is needed that a crash could leave behind.
func (h home) migrate(ctx context.Context, db *stdsql.DB) error {
	const attempts = 10
	provider, err := h.provider(db)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		_, err := provider.Up(ctx)
		if err == nil {
			return nil
		}
		if !h.shared || attempt == attempts || ctx.Err() != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		time.Sleep(time.Duration(attempt) * 50 * time.Millisecond)
	}
}

// checkVersion refuses a database whose tables are of another version.
func (h home) checkVersion(ctx context.Context, db *stdsql.DB) error {
	provider, err := h.provider(db)
	if err != nil {
		return err
	}
	has, wants, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read its version: %w", err)
	}
	if has != wants {
		return fmt.Errorf("its tables have version %d and this program knows version %d; use the program that serves it", has, wants)
	}
	return nil
}

func (h home) provider(db *stdsql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, h.migrations)
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(h.dialect, db, files)
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return p, nil
}
