// Prints what the Go SDK makes of its environment: its credentials, or that it finds none; and for each URL among its
// arguments, the proxy that Go programs use.
package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"

	"github.com/aliyun/credentials-go/credentials/providers"
)

func main() {
	if len(os.Args) > 1 {
		proxies(os.Args[1:])
		return
	}
	found, err := providers.NewDefaultCredentialsProvider().GetCredentials()
	if err != nil {
		print(map[string]any{"error": true})
		return
	}
	print(map[string]any{
		"access_key_id":     found.AccessKeyId,
		"access_key_secret": found.AccessKeySecret,
		"security_token":    found.SecurityToken,
	})
}

func proxies(targets []string) {
	chosen := map[string]any{}
	for _, target := range targets {
		parsed, err := url.Parse(target)
		if err != nil {
			panic(err)
		}
		proxy, err := http.ProxyFromEnvironment(&http.Request{URL: parsed})
		switch {
		case err != nil:
			chosen[target] = map[string]any{"error": true}
		case proxy == nil:
			chosen[target] = nil
		default:
			chosen[target] = proxy.String()
		}
	}
	print(chosen)
}

func print(value any) {
	// The SDK prints to standard output too.
	if err := json.NewEncoder(os.Stderr).Encode(value); err != nil {
		panic(err)
	}
}
