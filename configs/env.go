package configs

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/clickthread/clickthread/account"
)

// prefix of every environment variable.
const prefix = "CLICKTHREAD_"

var secretType = reflect.TypeFor[account.Secret]()

// overlay sets every key that the environment names: CLICKTHREAD_META_GRAPH_URL is meta.graph_url,
// CLICKTHREAD_ACCOUNTS_SHOP_ACCESS_TOKEN is the access_token of the account "shop". Lists are split
// at commas. A secret may also come from the file that NAME_FILE names.
func (s *Settings) overlay(lookup func(string) (string, bool)) error {
	return overlay(reflect.ValueOf(s).Elem(), prefix, lookup)
}

func overlay(v reflect.Value, name string, lookup func(string) (string, bool)) error {
	var faults []error
	for i := range v.NumField() {
		field := v.Field(i)
		key := name + envName(v.Type().Field(i).Tag.Get("yaml"))
		switch {
		case field.Kind() == reflect.Struct:
			faults = append(faults, overlay(field, key+"_", lookup))
		case field.Kind() == reflect.Slice && field.Type().Elem() == reflect.TypeFor[Account]():
			for j := range field.Len() {
				account := field.Index(j)
				faults = append(faults, overlay(account, key+"_"+envName(account.FieldByName("ID").String())+"_", lookup))
			}
		case field.Kind() != reflect.Map:
			faults = append(faults, set(field, key, lookup))
		}
	}
	return errors.Join(faults...)
}

// envName writes a key as part of a variable's name.
func envName(key string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(key))
}

// set gives one field the value of its variable, if there is one.
func set(field reflect.Value, key string, lookup func(string) (string, bool)) error {
	text, ok := lookup(key)
	if isSecret(field.Type()) {
		if path, fromFile := lookup(key + "_FILE"); fromFile {
			content, err := os.ReadFile(path)
			if err != nil {
				return fmt.Errorf("%s_FILE: %w", key, err)
			}
			text, ok = strings.TrimSpace(string(content)), true
		}
	}
	if !ok {
		return nil
	}
	if u, isText := reflect.TypeAssert[encoding.TextUnmarshaler](field.Addr()); isText {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		field.SetBool(text == "true" || text == "1")
		if text != "true" && text != "false" && text != "1" && text != "0" {
			return fmt.Errorf("%s: %q is not true or false", key, text)
		}
	case reflect.Slice:
		list := reflect.MakeSlice(field.Type(), 0, 1)
		for part := range strings.SplitSeq(text, ",") {
			item := reflect.New(field.Type().Elem()).Elem()
			item.SetString(strings.TrimSpace(part))
			list = reflect.Append(list, item)
		}
		field.Set(list)
	}
	return nil
}

func isSecret(t reflect.Type) bool {
	return t == secretType || t.Kind() == reflect.Slice && t.Elem() == secretType
}
