# Build, test and pack on any machine with the .NET 10 SDK.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $true

dotnet build --configuration Release
dotnet test --configuration Release --no-build
dotnet pack src/Ciba.AspNetCore --configuration Release --no-build --output artifacts
dotnet pack src/Ciba.AspNetCore.Redis --configuration Release --no-build --output artifacts
