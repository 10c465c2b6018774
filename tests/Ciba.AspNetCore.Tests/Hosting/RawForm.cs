using System.Text;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Bodies as no well-behaved client makes them.</summary>
public static class RawForm
{
    public const string MediaType = "application/x-www-form-urlencoded";

    /// <summary>What a right authentication request looks like on the wire.</summary>
    public const string Right = $"client_id=client&client_secret={CibaHost.Secret}&scope=openid&login_hint=alice";

    /// <summary>This body, byte for byte, under this content type; null for none.</summary>
    public static HttpContent Of(string latin1, string? contentType = MediaType)
    {
        var content = new ByteArrayContent(Encoding.Latin1.GetBytes(latin1));
        if (contentType is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        return content;
    }

    /// <summary>A body whose length nobody announces.</summary>
    public static HttpContent Chunked(string ascii)
    {
        var content = new StreamContent(new UnseekableStream(Encoding.ASCII.GetBytes(ascii)));
        content.Headers.TryAddWithoutValidation("Content-Type", MediaType);
        return content;
    }

    private sealed class UnseekableStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
