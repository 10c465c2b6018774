using Microsoft.Extensions.Configuration.Json;

namespace Quickstart;

/// <summary>The things that the standard configuration does not do.</summary>
public static class Configuration
{
    /// <summary>
    /// The appsettings beside the program, wherever it is started, and <c>--config FILE</c>, a JSON file that wins over
    /// appsettings and loses to environment and command line.
    /// </summary>
    public static void AddQuickstartFiles(this ConfigurationManager configuration, string[] args)
    {
        var sources = configuration.Sources;
        var appSettings = sources.Select((source, index) => (source, index)).Where(known => known.source is JsonConfigurationSource).ToList();
        if (new ConfigurationBuilder().AddCommandLine(args).Build()["config"] is { Length: > 0 } file)
        {
            sources.Insert(appSettings[^1].index + 1, Json(Path.GetFullPath(file)));
        }

        sources.Insert(appSettings[0].index, Json(Path.Combine(AppContext.BaseDirectory, "appsettings.json")));
    }

    /// <summary>The issuer where the configuration names none: the first address that the program listens on.</summary>
    public static string IssuerFromUrls(this IConfiguration configuration)
    {
        var url = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"]).FirstOrDefault(url => url is not null)
            ?? configuration["urls"]?.Split(';')[0]
            ?? "http://localhost:5080";

        return Reachable(url).TrimEnd('/');
    }

    /// <summary>The address by which this machine calls what listens there: those that mean "everywhere" are no names.</summary>
    public static string Reachable(string url) =>
        url.Replace("://*", "://localhost").Replace("://+", "://localhost").Replace("://0.0.0.0", "://localhost").Replace("://[::]", "://localhost");

    private static JsonConfigurationSource Json(string path)
    {
        var source = new JsonConfigurationSource { Path = path, Optional = false };
        source.ResolveFileProvider();
        return source;
    }
}
