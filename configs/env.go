package configs

import (
	"encoding"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/clickthread/clickthread/account"
)

// prefix of every environment variable.
const prefix = "CLICKTHREAD_"

// overlay sets every key that the environment names: CLICKTHREAD_META_GRAPH_URL is meta.graph_url,
// CLICKTHREAD_ACCOUNTS_SHOP_ACCESS_TOKEN is the access_token of the account "shop" in the file, and
// CLICKTHREAD_NOTICES_0_SECRET the secret of the file's first receiver of notices. Lists are split at
// commas. A secret may also come from the file that NAME_FILE names.
func (s *Settings) overlay(lookup func(string) (string, bool), f *faults) {
	overlay(reflect.ValueOf(s).Elem(), prefix, lookup, f)
}

func overlay(v reflect.Value, name string, lookup func(string) (string, bool), f *faults) {
	for i := range v.NumField() {
		field := v.Field(i)
		key := name + envName(v.Type().Field(i).Tag.Get("yaml"))
		switch {
		case field.Kind() == reflect.Struct:
			overlay(field, key+"_", lookup, f)
		case field.Type() == reflect.TypeFor[[]Account]():
			for j := range field.Len() {
				item := field.Index(j)
				overlay(item, key+"_"+envName(item.FieldByName("ID").String())+"_", lookup, f)
			}
		case field.Type() == reflect.TypeFor[[]Receiver]():
			for j := range field.Len() {
				overlay(field.Index(j), key+"_"+strconv.Itoa(j)+"_", lookup, f)
			}
		case field.Kind() == reflect.Map:
			for _, entry := range field.MapKeys() { // what a map holds cannot be set in place
				value := reflect.New(field.Type().Elem()).Elem()
				value.Set(field.MapIndex(entry))
				overlay(value, key+"_"+envName(entry.String())+"_", lookup, f)
				field.SetMapIndex(entry, value)
			}
		default:
			if err := set(field, key, lookup); err != nil {
				f.add(key, "%v", err)
			}
		}
	}
}

// envName writes a key as part of a variable's name.
func envName(key string) string {
	return strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(key))
}

// set gives one field the value of its variable, if there is one.
func set(field reflect.Value, key string, lookup func(string) (string, bool)) error {
	text, ok := lookup(key)
	if path, fromFile := lookup(key + "_FILE"); fromFile && isSecret(field.Type()) {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read the file that %s_FILE names: %w", key, err)
		}
		text, ok = strings.TrimSpace(string(content)), true
	}
	if !ok {
		return nil
	}
	if u, isText := reflect.TypeAssert[encoding.TextUnmarshaler](field.Addr()); isText {
		return u.UnmarshalText([]byte(text))
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(text)
	case reflect.Bool:
		on, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is not true or false", text)
		}
		field.SetBool(on)
	case reflect.Slice:
		field.Set(list(field.Type(), text))
	}
	return nil
}

// list splits a text at commas; an empty text is an empty list.
func list(t reflect.Type, text string) reflect.Value {
	items := reflect.MakeSlice(t, 0, 1)
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			items = reflect.Append(items, reflect.ValueOf(part).Convert(t.Elem()))
		}
	}
	return items
}

func isSecret(t reflect.Type) bool {
	return t == reflect.TypeFor[account.Secret]() || t == reflect.TypeFor[[]account.Secret]()
}
