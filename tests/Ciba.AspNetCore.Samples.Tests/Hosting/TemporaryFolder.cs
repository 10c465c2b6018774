namespace Ciba.AspNetCore.Samples.Tests.Hosting;

/// <summary>A new folder that is deleted at the end.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Gets its path.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("ciba-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
