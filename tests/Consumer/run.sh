#!/usr/bin/env bash
# run.sh PACKAGES VERSION REDIS: installs the packages of that folder into a fresh "dotnet new web", beside the versions that hosts have today,
# builds it and runs a flow.
set -euo pipefail
packages=$(cd "$1" && pwd) version=$2 redis=$3
here=$(cd "$(dirname "$0")" && pwd)
url=http://localhost:5086
work=$(mktemp -d)
app=
trap '[ -n "$app" ] && { kill "$app"; wait "$app"; } 2>/dev/null; rm -rf "$work"' EXIT

cd "$work"
dotnet new web -n Consumer -o . --no-restore >/dev/null
printf '<configuration><packageSources><add key="packed" value="%s" /></packageSources></configuration>' "$packages" >nuget.config

add() { dotnet add package "$1" --version "$2" --no-restore >/dev/null; }
add Ciba.AspNetCore "$version"
add Ciba.AspNetCore.Redis "$version"
add StackExchange.Redis 3.4.35
add Microsoft.AspNetCore.Authentication.JwtBearer 10.0.15
add OpenIddict.Server.AspNetCore 7.8.0
cp "$here/Program.cs" .
dotnet build -c Release -warnaserror --nologo -v quiet

dotnet bin/Release/net10.0/Consumer.dll --urls "$url" --Ciba:Issuer="$url" --Redis="$redis" >app.log 2>&1 </dev/null &
app=$!
for _ in $(seq 60); do curl -sf "$url/jwks" >/dev/null && break; sleep 0.5; done

value() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
expect() { # expect WHAT EXPECTED FOUND
  [[ $3 == *"$2"* ]] && { echo "$1: ok"; return; }
  echo "$1: expected $2, found $3"
  cat app.log
  exit 1
}

client=(-s -u shop:a-secret-of-the-shop-that-nobody-guesses)
id=$(curl "${client[@]}" "$url/bc-authorize" -d scope=openid -d login_hint=alice -d resource=https://api.example.com/ | value auth_req_id)
poll=("${client[@]}" "$url/token" -d grant_type=urn:openid:params:grant-type:ciba -d "auth_req_id=$id")
expect 'pending poll' authorization_pending "$(curl "${poll[@]}")"
expect 'approval' Done "$(curl -s -X POST "$url/answer")"
tokens=$(curl "${poll[@]}")
expect 'tokens' '"id_token":"ey' "$tokens"
expect 'access token at JwtBearer' alice "$(curl -s -H "Authorization: Bearer $(value access_token <<<"$tokens")" "$url/me")"
expect 'no access without a token' 401 "$(curl -s -o /dev/null -w '%{http_code}' "$url/me")"
expect 'replay' invalid_grant "$(curl "${poll[@]}")"
expect 'OpenIddict beside it' '"access_token"' "$(curl -s "$url/connect/token" -d grant_type=client_credentials -d client_id=machine -d client_secret=machine-secret)"
