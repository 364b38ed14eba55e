package dnsprovider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/libdns/libdns"
)

// Cloudflare changes a zone by Cloudflare's API.
type Cloudflare struct {
	// Token is an API token that may edit the zone's DNS and read the zone.
	Token string
	// API is the address of the API; empty: Cloudflare's.
	API string
}

// ErrCloudflare: the API has refused a request.
var ErrCloudflare = errors.New("the API of Cloudflare refused the request")

// maxAnswer bounds an answer of the API.
const maxAnswer = 1 << 20

var cloudflareClient = &http.Client{Timeout: 30 * time.Second}

// record is the API's form of a DNS record.
type record struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type,omitempty"`
	Name    string `json:"name,omitempty"`
	Content string `json:"content,omitempty"`
	TTL     int    `json:"ttl,omitempty"`
}

// AppendRecords is libdns.RecordAppender's.
func (p *Cloudflare) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	id, err := p.zone(ctx, zone)
	if err != nil {
		return nil, err
	}
	for i, r := range records {
		rr := r.RR()
		var made record
		err := p.do(ctx, http.MethodPost, "/zones/"+id+"/dns_records", record{
			Type: rr.Type, Name: fullName(rr, zone), Content: quoted(rr.Data), TTL: max(60, int(rr.TTL/time.Second)),
		}, &made)
		if err != nil {
			return records[:i], fmt.Errorf("adding %s to the zone %s: %w", fullName(rr, zone), zone, err)
		}
	}
	return records, nil
}

// DeleteRecords is libdns.RecordDeleter's.
func (p *Cloudflare) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	id, err := p.zone(ctx, zone)
	if err != nil {
		return nil, err
	}
	for i, r := range records {
		rr := r.RR()
		q := url.Values{"type": {rr.Type}, "name": {fullName(rr, zone)}}
		var found []record
		if err := p.do(ctx, http.MethodGet, "/zones/"+id+"/dns_records?"+q.Encode(), nil, &found); err != nil {
			return records[:i], fmt.Errorf("looking for %s: %w", fullName(rr, zone), err)
		}
		for _, f := range found {
			if strings.Trim(f.Content, `"`) != strings.Trim(rr.Data, `"`) {
				continue // of another challenge for the same name
			}
			if err := p.do(ctx, http.MethodDelete, "/zones/"+id+"/dns_records/"+url.PathEscape(f.ID), nil, nil); err != nil {
				return records[:i], fmt.Errorf("removing %s from the zone %s: %w", fullName(rr, zone), zone, err)
			}
		}
	}
	return records, nil
}

func fullName(r libdns.RR, zone string) string {
	return strings.TrimSuffix(libdns.AbsoluteName(r.Name, zone), ".")
}

func quoted(s string) string { return `"` + strings.Trim(s, `"`) + `"` }

// zone returns the API's id of a zone.
func (p *Cloudflare) zone(ctx context.Context, zone string) (string, error) {
	name := strings.TrimSuffix(zone, ".")
	var found []struct {
		ID string `json:"id"`
	}
	if err := p.do(ctx, http.MethodGet, "/zones?"+url.Values{"name": {name}}.Encode(), nil, &found); err != nil {
		return "", fmt.Errorf("looking for the zone %s: %w", name, err)
	}
	if len(found) != 1 || found[0].ID == "" {
		return "", fmt.Errorf("%w: the token sees no zone %s", ErrCloudflare, name)
	}
	return url.PathEscape(found[0].ID), nil
}

// do makes a request, and reads the result into result.
func (p *Cloudflare) do(ctx context.Context, method, path string, body, result any) error {
	api := p.API
	if api == "" {
		api = "https://api.cloudflare.com/client/v4"
	}
	var send io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		send = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, api+path, send)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+p.Token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := cloudflareClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	return decodeAnswer(answer.StatusCode, b, result)
}

// decodeAnswer reads the envelope of an answer.
func decodeAnswer(status int, b []byte, result any) error {
	var envelope struct {
		Success bool `json:"success"`
		Errors  []struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(b, &envelope); err != nil {
		return fmt.Errorf("%w: status %d, and no JSON: %w", ErrCloudflare, status, err)
	}
	if !envelope.Success {
		text := make([]string, 0, len(envelope.Errors))
		for _, e := range envelope.Errors {
			text = append(text, fmt.Sprintf("%d %s", e.Code, e.Message))
		}
		return fmt.Errorf("%w: status %d: %s", ErrCloudflare, status, strings.Join(text, "; "))
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(envelope.Result, result); err != nil {
		return fmt.Errorf("%w: the result: %w", ErrCloudflare, err)
	}
	return nil
}
