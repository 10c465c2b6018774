namespace Ciba.AspNetCore.Http;

/// <summary>Marks the endpoints of the library.</summary>
internal sealed class CibaEndpointMetadata
{
    public static readonly CibaEndpointMetadata Instance = new();
}
