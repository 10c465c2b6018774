namespace Ciba.AspNetCore.Http;

/// <summary>What a log may know of a request.</summary>
internal static class CibaLog
{
    private const int Length = 10;

    /// <summary>The first characters of a request's handle: enough to follow a request through the log, and of no other use.</summary>
    public static string Short(string id) => id.Length > Length ? id[..Length] : id;
}
